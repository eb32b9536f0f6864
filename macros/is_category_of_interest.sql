{#-
    Whether somebody may be addressed by a product category. Some say nothing of a person: coupons, fuel and what fits
    nowhere are booked under categories of their own. Some say too much: who buys from them has told us of health, sex
    life, alcohol or tobacco without meaning to, and does not want to read it in a message.
-#}
{%- macro is_category_of_interest(category) -%}
{%- set meaningless = [
    'BOTTLE DEPOSITS', 'CONTINUITIES', 'COUPON', 'COUPON/MISC ITEMS', 'COUPONS/STORE & MFG', 'DELI SUPPLIES', 'FUEL',
    'MEAT SUPPLIES', 'MISCELLANEOUS', 'NON EDIBLE PRODUCTS', 'PROD SUPPLIES', 'TICKETS'
] -%}
{%- set sensitive = [
    'ADULT INCONTINENCE', 'ANALGESICS', 'ANTACIDS', 'BEERS/ALES', 'CIGARETTES', 'CIGARS', 'COLD AND FLU',
    'DIETARY AID PRODUCTS', 'DOMESTIC WINE', 'ETHNIC PERSONAL CARE', 'EYE AND EAR CARE PRODUCTS', 'FAMILY PLANNING',
    'FEMININE HYGIENE', 'FIRST AID PRODUCTS', 'FITNESS&DIET', 'FOOT CARE PRODUCTS', 'GLASSES/VISION AIDS',
    'HOME HEALTH CARE', 'IMPORTED WINE', 'LAXATIVES', 'LIQUOR', 'MISC WINE', 'MISCELLANEOUS HBC', 'PHARMACY',
    'RESTRICTED DIET', 'SINUS AND ALLERGY', 'SMOKING CESSATIONS', 'TOBACCO OTHER'
] -%}
{{ category }} not in ('{{ (meaningless + sensitive) | join("', '") }}')
{%- endmacro %}
