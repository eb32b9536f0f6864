{#- How grave a reason for suppression is, 1 the gravest: of several, this one is named, so that nobody is told to mend
    an address of a person who must not be contacted at all. -#}
{%- macro suppression_gravity(reason) -%}
case {{ reason }}
        when 'erased' then 1
        when 'legal' then 2
        when 'manual' then 3
        when 'complaint' then 4
        when 'stop' then 5
        when 'unsubscribe' then 6
        else 7
    end
{%- endmacro %}
